"""Small programs that speak Maelstrom's protocol.  They are run as they are and never imported."""

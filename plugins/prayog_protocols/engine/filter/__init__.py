"""Finding packets: a part of Wireshark's filter language."""

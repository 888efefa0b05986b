"""What touches the machine: files are opened here."""

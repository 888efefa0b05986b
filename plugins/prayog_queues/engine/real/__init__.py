"""What touches the machine: brokers, databases and the processes that work with them."""

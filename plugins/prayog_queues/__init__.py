"""Message queues and pub/sub: one job on a simulated and on real brokers, judged by one checker; see `engine`."""

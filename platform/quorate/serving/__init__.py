"""What was promoted, at work: its models forecast bar by bar, as they did in the backtest."""

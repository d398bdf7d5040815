"""What rules are made of: artificial inputs, altered copies, comparisons."""

"""What metrics and gates see, what they say, and (in `ledger`) what was tried before.

What others take: `Evidence`, `Performance` and `GateResult` of `evidence`; `measure` and `run_gates` of `judging`.
"""

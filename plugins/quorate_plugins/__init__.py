"""Built-in models, features, labels, weights, ensemblers, metrics and gates; plugins like any third party's."""

"""Sample models, builders of small model files, and the reference interpreters that compiled models are held against."""

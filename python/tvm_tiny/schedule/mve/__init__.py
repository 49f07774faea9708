"""Schedules for cores with the vector extension MVE (Helium): Cortex-M55 and M85."""

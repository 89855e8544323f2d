"""What people do about what was judged: alerts become cases, cases are decided."""

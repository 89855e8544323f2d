"""Models: sums of trees, their portable text, the kernel that scores them, and their reasons."""

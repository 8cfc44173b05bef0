"""What people look at: pages and charts, self-contained and offline."""

"""For a blog post: with matplotlib."""

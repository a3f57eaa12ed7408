"""What the product talks about: places, workflows and outcomes. Plain values, without images and without doing."""

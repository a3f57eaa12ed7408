"""What can be seen on a picture of a screen: lines of text, elements, likenesses, and whether it has come to rest."""

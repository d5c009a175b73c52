"""Training on images and masks, and how good the masks are that come of it."""

"""From a photo to crops: people and hands detected, cropped, refined."""

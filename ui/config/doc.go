// Package config reads tui.yaml, the user's own keys and colours for the terminal app. What cannot
// be taken is said in a line and left as it was: a mistake there never keeps the app from opening.
// It imports keymap and theme.
package config

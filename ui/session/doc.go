// Package session is what the TUI knows of the program right now, and the
// commands that read and change it. Its App is the only way to the program; it
// draws nothing and imports none of the UI's other packages.
package session

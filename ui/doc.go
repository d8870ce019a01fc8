// Package ui is the terminal app: Run draws the program until the user leaves.
// It sees the program only through App; it imports neither cmd nor anything that
// does I/O itself but disk and config, and Update and View never wait for anything.
package ui

// Command screenshots draws the pictures of the documentation from the real
// program: it plays a scene (keys, and texts to wait for) to the program in a
// terminal of its own and writes what is on it as PNG (rsvg-convert draws it), or as
// SVG with -svg-only:
//
//	go run ./screenshots -bin ./artifacts-tui screenshots/scenes/tour.scene
//
// A text that does not come is an error, so a scene is a test of the program as
// well. It imports nothing of this module.
package main

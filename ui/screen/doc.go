// Package screen draws the app's frames on a terminal as soon as they change, and does nothing
// in between: Bubble Tea's own renderer looks for changes a hundred times a second, which costs
// an idle terminal a percent of a processor and a key half a tick. It knows nothing of what is
// drawn, and imports nothing of this module.
package screen

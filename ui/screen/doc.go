// Package screen runs a Bubble Tea model on a terminal: it reads its keys, draws its frames as soon
// as they change, and does nothing in between. Bubble Tea's own program looks for changes a hundred
// times a second, and wakes up once a second even without a renderer. It knows nothing of what is
// drawn, and imports nothing of this module.
package screen

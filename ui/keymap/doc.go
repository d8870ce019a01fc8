// Package keymap is the vocabulary of keys: actions, the keys that ask for them,
// and the scopes they live in. It imports nothing, so that every part of the UI
// can be driven by the same data.
package keymap

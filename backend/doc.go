// Package backend is what the program can do, with no terminal in sight: App holds
// the use cases that commands and the terminal app share. It imports its own
// subpackages, mounts, keyring and internal/, never cmd or ui.
package backend

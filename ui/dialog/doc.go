// Package dialog has what is laid over a page: forms, questions, progress, errors
// and reading matter. A dialog returns actions and never touches the program; it
// imports neither page nor the root.
package dialog

// Package component has the pieces that pages and dialogs are made of: the grid,
// fields, bars, boxes and lines of text. It knows nothing of workspaces or mounts
// and imports only theme and keymap.
package component

// Package theme is the look: a handful of tokens, for dark and light grounds, for
// 16 colours and none, and two sets of glyphs. It imports nothing of this module.
package theme

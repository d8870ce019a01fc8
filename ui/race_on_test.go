//go:build race

package ui

// The race detector slows everything down some ten times.
const slowdown = 10

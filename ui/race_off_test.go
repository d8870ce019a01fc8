//go:build !race

package ui

const slowdown = 1

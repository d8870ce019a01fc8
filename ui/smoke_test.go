package ui

import (
	"fmt"
	"testing"
)

func TestSmoke(t *testing.T) {
	for _, s := range [][2]int{{120, 32}, {80, 24}, {60, 16}, {40, 10}} {
		d := drive(t, aFew(), s[0], s[1])
		fmt.Println(d.screen())
		d.press("2")
		fmt.Println(d.screen())
		d.press("1", "b")
		fmt.Println(d.screen())
		d.press("esc", "?")
		fmt.Println(d.screen())
	}
}

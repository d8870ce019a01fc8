// Package rcloneenv keeps rclone from making ~/.config/rclone in every process that links it, which is what its
// config package does when it is initialised, unless a variable names another file. Whoever imports rclone imports this too: packages
// are initialised by their import paths, and this one's comes first. It imports nothing.
package rcloneenv

import "os"

const variable = "RCLONE_CONFIG"

var ours = set()

func set() bool {
	if _, has := os.LookupEnv(variable); has {
		return false
	}
	return os.Setenv(variable, "/none") == nil
}

// Restore takes the variable away again: children are not to have it.
func Restore() bool {
	if ours {
		ours = false
		_ = os.Unsetenv(variable)
	}
	return true
}

// Package disk is what the terminal app keeps and reads on this machine: where it was left,
// the ends of log files, and the report of a crash. Nothing of it may be called
// from Update or View.
package disk

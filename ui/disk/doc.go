// Package disk is what the terminal app keeps and reads on this machine: where it was left,
// the ends of log files, and the report of a crash. It is the one package under ui that does
// such I/O; nothing of it may be called from Update or View.
package disk

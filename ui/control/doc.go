// Package control is the coordinator's control plane as the app uses it: what it shows of it, and
// each change with the words for it and the command line that does the same (SPEC D8). It imports
// the program's types, and of the UI the spelling of command lines alone.
package control

// Package hostos is what the program needs of the operating system and each system has in
// a way of its own: durability of files, and the name of the running boot.
package hostos

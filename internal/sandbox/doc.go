// Package sandbox is what tests need to run the real program as a user would: the program
// built under its three names, an S3 server beside it, and an end to every process and
// mount that is left. It is for tests alone and imports nothing of this module.
package sandbox

// Package page has the pages: each draws one part of the session and turns keys
// into actions. Pages never call the program and never change the session; they
// import neither dialog nor the root.
package page

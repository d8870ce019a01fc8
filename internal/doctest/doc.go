// Package doctest runs what README.md and docs/*.md show. Every shell block of a page is run
// in order, in a home of the page's own, with the real program; what a command prints there is
// compared with what the page says. It holds tests alone:
//
//	go test ./internal/doctest                                   compare
//	go test ./internal/doctest -run Pages/page/mounting -update  write what the commands print into a page
//
// # Blocks
//
// A block is a fence with a language:
//
//	console   lines that begin with "$ " are commands, with "> " their further lines;
//	          what follows is what they print, both streams together
//	sh        a script that must succeed; what it prints does not matter
//
// Other fences are text, and text may hold no line that begins with "$ ". A command that fails
// shows its "Error: " line; any other must succeed. A prompt with a name, "ada$ ", is another
// user, with a home of its own. A page has processes, mounts and a network of its own, without
// a way out: what its commands start ends with it.
//
// Behind the language a fence may say
//
//	norun="reason"    the block is not run: why
//	varies="regexp"   what matches differs from run to run
//	wait              a command is run again until it prints what the page says (it changes nothing)
//	fails             its commands fail, and show no "Error: "
//	file="name"       of any language: the block is written to this file, in the folder where
//	                  the page's shell is
//
// Lines of a comment <!-- … --> that is for the test:
//
//	<!-- s3 URL REGION ACCESS SECRET BUCKET... -->   an S3 server with these buckets answers where the page says URL
//	<!-- run
//	commands that the reader need not see
//	-->
//
// # What varies
//
// These are the same whatever they are: times, process ids, tokens, ids of workspaces and
// peers, fingerprints, and how many blanks there are between columns. The home is
// /home/dev, or /home/NAME for the prompt NAME. In a line "…" is any text; as a line of its
// own it is any number of lines.
package doctest

// Package jobs runs long acts one beside the other, tells how far each is, cancels and
// repeats them. It knows nothing of what they do, and imports internal/ alone.
package jobs

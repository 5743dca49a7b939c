//go:build race

package expr

// raceDetector is whether the race detector slows everything down, several
// times over: limits of time then strike where limits of memory would.
const raceDetector = true

// Package hookpath compares the paths of webhooks, whose segments may be
// parameters, for the stores that keep them.
package hookpath

import (
	"cmp"
	"strings"

	"flowgate/internal/workflow"
)

// A webhook path's shape is the path with ":" in place of every parameter
// segment. A request can only match the shapes made from its own path by
// putting ":" in place of some segments, so that a look-up asks the index for
// those instead of trying every pattern. To keep their number at 2^8, only
// the first maxParameterSegments segments of a path may be parameters.
const maxParameterSegments = 8

// Shape returns the shape of a path and the number of its parameters.
func Shape(path string) (shape string, parameters int) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, segment := range segments {
		if isParameter(segment) {
			segments[i] = ":"
			parameters++
		}
	}
	return strings.Join(segments, "/"), parameters
}

func isParameter(segment string) bool { return len(segment) > 1 && segment[0] == ':' }

// Check refuses a path that no look-up would find.
func Check(path string) error {
	if len(path) > workflow.MaxHookPath {
		return workflow.Errorf(workflow.CodeInvalid, "The webhook path %.40q… has %d bytes; no more than %d are taken.", path, len(path), workflow.MaxHookPath)
	}
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i, segment := range segments {
		if i >= maxParameterSegments && isParameter(segment) {
			return workflow.Errorf(workflow.CodeInvalid, "The webhook path %q has the parameter %q behind its first %d segments; move it forward.",
				path, segment, maxParameterSegments)
		}
	}
	return nil
}

// Matching returns the shapes with at least one parameter that match path.
// An empty segment is no value for a parameter.
func Matching(path string) []string {
	if len(path) > workflow.MaxHookPath { // none is that long, and each shape is a copy
		return nil
	}
	segments := strings.Split(path, "/")
	open := min(len(segments), maxParameterSegments)
	shapes := make([]string, 0, 1<<open)
	shape := make([]string, len(segments))
next:
	for mask := 1; mask < 1<<open; mask++ {
		copy(shape, segments)
		for i := range open {
			if mask&(1<<i) == 0 {
				continue
			}
			if segments[i] == "" {
				continue next
			}
			shape[i] = ":"
		}
		shapes = append(shapes, strings.Join(shape, "/"))
	}
	return shapes
}

// Compare sorts the more particular of two patterns of equal length
// first: fewer parameters, then a literal where the other has a parameter.
func Compare(a, b string) int {
	sa, na := Shape(a)
	sb, nb := Shape(b)
	if c := cmp.Compare(na, nb); c != 0 {
		return c
	}
	other := strings.Split(sb, "/")
	for i, segment := range strings.Split(sa, "/") {
		if segment != other[i] && other[i] == ":" {
			return -1
		}
		if segment != other[i] {
			return 1
		}
	}
	return 0
}

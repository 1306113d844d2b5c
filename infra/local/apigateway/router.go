package apigateway

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"

	"golang.org/x/time/rate"
)

// router finds the resource and the method of a request.
//
// Paths are matched as sent, still percent-encoded: "%2F" stays inside its segment, "//"
// and ".." are segments like any other, nothing is redirected. One slash at the end is
// ignored, as on REST APIs (localstack's resource_router.py, checked against AWS, and
// aws/aws-sam-cli's local server say so).
type router struct {
	resources []resource
}

// resource is one path of the API with its methods.
type resource struct {
	path     string
	id       string
	segments []string
	methods  map[string]method // by name, "ANY" included
}

// method is a route with what it may take now.
type method struct {
	Route
	bucket *rate.Limiter
}

func newRouter(routes []Route) (*router, error) {
	r := &router{}
	index := map[string]int{}
	for _, route := range routes {
		at, known := index[route.Path]
		if !known {
			at = len(r.resources)
			index[route.Path] = at
			r.resources = append(r.resources, resource{
				path:     route.Path,
				id:       resourceID(route.Path),
				segments: strings.Split(strings.TrimPrefix(route.Path, "/"), "/"),
				methods:  map[string]method{},
			})
		}
		if _, twice := r.resources[at].methods[route.Method]; twice {
			return nil, fmt.Errorf("route %s %s is there twice", route.Method, route.Path)
		}
		r.resources[at].methods[route.Method] = method{route, cmp.Or(route.Throttle, &AccountThrottle).bucket()}
	}
	return r, nil
}

// find returns the route of a request and its resource; ok is false when the path or the
// method is not defined, which REST APIs do not tell apart. params holds the path
// parameters, still percent-encoded: REST APIs pass them as sent (aws/aws-sam-cli issues
// 771 and 3524, dherault/serverless-offline issues 265 and 271, serverless/serverless
// issue 5037).
func (r *router) find(name, path string) (route method, res *resource, params map[string]string, ok bool) {
	path = strings.TrimPrefix(path, "/")
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	var best []int
	for i := range r.resources {
		candidate := &r.resources[i]
		rank, values, match := candidate.match(segments)
		if match && (res == nil || better(rank, best)) {
			res, best, params = candidate, rank, values
		}
	}
	if res == nil {
		return method{}, nil, nil, false
	}
	// The resource is chosen by the path alone; then a specific method beats ANY.
	if route, ok = res.methods[name]; !ok {
		route, ok = res.methods["ANY"]
	}
	return route, res, params, ok
}

// match compares segment by segment. rank tells how each segment matched: 0 literally, 1
// by a parameter, 2 by a greedy parameter.
func (res *resource) match(segments []string) (rank []int, params map[string]string, ok bool) {
	params = map[string]string{}
	for i, want := range res.segments {
		name, isParam := strings.CutPrefix(want, "{")
		name, isGreedy := strings.CutSuffix(strings.TrimSuffix(name, "}"), "+")
		switch {
		case i >= len(segments):
			return nil, nil, false
		case !isParam:
			if segments[i] != want {
				return nil, nil, false
			}
			rank = append(rank, 0)
		case isGreedy:
			params[name] = strings.Join(segments[i:], "/")
			return append(rank, 2), params, params[name] != ""
		case segments[i] == "":
			return nil, nil, false
		default:
			params[name] = segments[i]
			rank = append(rank, 1)
		}
	}
	return rank, params, len(segments) == len(res.segments)
}

// better tells whether rank a is more literal than b, from the left.
func better(a, b []int) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(a) > len(b)
}

// resourceIDLength is how many characters API Gateway's ids of resources have.
const resourceIDLength = 6

// resourceID makes a stable id of the shape API Gateway gives, from the path.
func resourceID(path string) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, path)                                    // never fails
	return strconv.FormatUint(h.Sum64()|1<<63, 36)[:resourceIDLength] // |: never shorter
}

package apigateway

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/time/rate"
)

// router finds the resource and the method of a request.
//
// Paths are matched as sent, still percent-encoded: "%2F" stays inside its segment, "//"
// and ".." are segments like any other, nothing is redirected. One slash at the end is
// ignored, as on REST APIs (localstack's resource_router.py, checked against AWS, and
// aws/aws-sam-cli's local server say so).
type router []*resource

// resource is one path of the API with its methods.
type resource struct {
	path       string
	id         string            // a stable one, of the shape that API Gateway gives
	pattern    *regexp.Regexp    // has a group for each parameter
	parameters []string          // the parameters' names
	ranks      []int             // by segment: 0 for a literal, 1 for {one}, 2 for {all+}
	methods    map[string]method // by name, "ANY" included
}

// method is a route with what it may take now.
type method struct {
	Route
	bucket *rate.Limiter
}

func newRouter(routes []Route) (router, error) {
	var r router
	known := map[string]*resource{}
	for _, route := range routes {
		res := known[route.Path]
		if res == nil {
			res = newResource(route.Path)
			known[route.Path] = res
			r = append(r, res)
		}
		if _, twice := res.methods[route.Method]; twice {
			return nil, fmt.Errorf("route %s %s is there twice", route.Method, route.Path)
		}
		limit := cmp.Or(route.Throttle, &accountThrottle)
		res.methods[route.Method] = method{route, rate.NewLimiter(rate.Limit(limit.Rate), limit.Burst)}
	}
	// What is more literal, from the left, comes first: find takes the first that fits.
	slices.SortStableFunc(r, func(a, b *resource) int { return slices.Compare(a.ranks, b.ranks) })
	return r, nil
}

func newResource(path string) *resource {
	res := &resource{path: path, methods: map[string]method{}}
	res.id = fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(path)))[:6]
	var patterns []string
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		pattern, rank := regexp.QuoteMeta(segment), 0
		if name, isParameter := strings.CutPrefix(segment, "{"); isParameter {
			pattern, rank = "([^/]+)", 1
			name, isGreedy := strings.CutSuffix(strings.TrimSuffix(name, "}"), "+")
			if isGreedy {
				pattern, rank = "(.+)", 2
			}
			res.parameters = append(res.parameters, name)
		}
		patterns, res.ranks = append(patterns, pattern), append(res.ranks, rank)
	}
	res.pattern = regexp.MustCompile(`(?s)^` + strings.Join(patterns, "/") + `$`)
	return res
}

// find returns the route of a request and its resource; ok is false when the path or the
// method is not defined, which REST APIs do not tell apart. params holds the path
// parameters, still percent-encoded: REST APIs pass them as sent (aws/aws-sam-cli issues
// 771 and 3524, dherault/serverless-offline issues 265 and 271, serverless/serverless
// issue 5037).
func (r router) find(name, path string) (route method, res *resource, params map[string]string, ok bool) {
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	at := slices.IndexFunc(r, func(res *resource) bool { return res.pattern.MatchString(path) })
	if at < 0 {
		return method{}, nil, nil, false
	}
	res = r[at]
	params = map[string]string{}
	for i, value := range res.pattern.FindStringSubmatch(path)[1:] {
		params[res.parameters[i]] = value
	}
	// The resource is chosen by the path alone; then a specific method beats ANY.
	if route, ok = res.methods[name]; !ok {
		route, ok = res.methods["ANY"]
	}
	return route, res, params, ok
}

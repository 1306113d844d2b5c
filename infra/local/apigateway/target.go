package apigateway

import (
	"regexp"
	"strings"
)

// readStart reads the request line (section 3); false when it is none.
func (r *request) readStart(line string) bool {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !isToken(parts[0]) || !version.MatchString(parts[2]) {
		return false
	}
	r.method, r.target, r.proto = parts[0], parts[1], parts[2]
	unspoken := func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }
	if r.target == "" || strings.ContainsFunc(r.target, unspoken) || r.method == "CONNECT" {
		return false
	}
	if r.target[0] == '/' {
		return true
	}
	// The absolute form (section 3.2.2). There is nothing here that "*" or a tunnel could
	// be about.
	scheme, rest, ok := strings.Cut(r.target, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) &&
		validHost(authority(rest))
}

var version = regexp.MustCompile(`^HTTP/1\.[0-9]$`)

// authority is what an absolute target, its scheme cut off, has before its path and
// query.
func authority(rest string) string {
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		return rest[:end]
	}
	return rest
}

// readHost checks the Host line: HTTP/1.1 must have one, and nobody two (section 3.2).
// The host of an absolute target stands in its place; the target becomes what is left.
func (r *request) readHost() bool {
	hosts := r.all("Host")
	if len(hosts) > 1 || len(hosts) == 0 && r.proto != http10 || len(hosts) == 1 && !validHost(hosts[0]) {
		return false
	}
	if r.target[0] == '/' {
		return true
	}
	_, rest, _ := strings.Cut(r.target, "://")
	host := authority(rest)
	if r.target = rest[len(host):]; !strings.HasPrefix(r.target, "/") {
		r.target = "/" + r.target
	}
	if len(hosts) == 0 {
		r.header = append(r.header, field{"Host", host})
	}
	for i := range r.header {
		if strings.EqualFold(r.header[i].name, "Host") {
			r.header[i].value = host
		}
	}
	return true
}

// host is a name or an address, perhaps with a port (RFC 3986, 3.2.2 and 3.2.3), and
// never with a user's name: RFC 9110, 4.2.4.
var host = regexp.MustCompile(`^(\[[0-9A-Za-z:.]+\]|([A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(:[0-9]*)?$`)

func validHost(text string) bool { return host.MatchString(text) }

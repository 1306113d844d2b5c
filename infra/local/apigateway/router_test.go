package apigateway

import (
	"fmt"
	"testing"
)

func TestRouter(t *testing.T) {
	var routes []Route
	for _, r := range [][2]string{
		{"POST", "/"}, {"POST", "/api.php"},
		{"DELETE", "/care/v1/{id}/provision"}, {"PUT", "/care/v1/{id}/provision"}, {"ANY", "/care/v1/{id}/provision"},
		{"GET", "/care/v1/me/provision"}, {"GET", "/{first}/v1/{id}/last"},
		{"GET", "/files/{rest+}"}, {"GET", "/files/special"},
	} {
		routes = append(routes, Route{Method: r[0], Path: r[1], Function: r[0] + " " + r[1]})
	}
	router, err := newRouter(routes)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, want, params string }{
		{"POST", "/", "POST /", "map[]"},
		{"POST", "/api.php", "POST /api.php", "map[]"},
		{"POST", "/api.php/", "POST /api.php", "map[]"},
		{"GET", "/api.php", "", ""},
		{"POST", "/API.php", "", ""},
		{"POST", "/api%2Ephp", "", ""},
		{"DELETE", "/care/v1/u1/provision", "DELETE /care/v1/{id}/provision", "map[id:u1]"},
		{"PUT", "/care/v1/u1/provision", "PUT /care/v1/{id}/provision", "map[id:u1]"},
		{"PATCH", "/care/v1/u1/provision", "ANY /care/v1/{id}/provision", "map[id:u1]"},
		{"PUT", "/care/v1/a%2Fb/provision", "PUT /care/v1/{id}/provision", "map[id:a%2Fb]"},
		{"PUT", "/care/v1/100%25/provision", "PUT /care/v1/{id}/provision", "map[id:100%25]"},
		{"PUT", "/care/v1/a%3Fb%23c/provision/", "PUT /care/v1/{id}/provision", "map[id:a%3Fb%23c]"},
		{"PUT", "/care/v1/../provision", "PUT /care/v1/{id}/provision", "map[id:..]"},
		{"PUT", "/care/v1/%20/provision", "PUT /care/v1/{id}/provision", "map[id:%20]"},
		{"PUT", "/care/v1//provision", "", ""},
		{"PUT", "//care/v1/u1/provision", "", ""},
		{"PUT", "/care/v1/a/b/provision", "", ""},
		{"PUT", "/care/v1/u1/provision//", "", ""},
		// The path decides on the resource before the method is looked at.
		{"GET", "/care/v1/me/provision", "GET /care/v1/me/provision", "map[]"},
		{"PUT", "/care/v1/me/provision", "", ""},
		{"GET", "/care/v1/x/last", "GET /{first}/v1/{id}/last", "map[first:care id:x]"},
		{"GET", "/files/a/b%2Fc", "GET /files/{rest+}", "map[rest:a/b%2Fc]"},
		{"GET", "/files/special", "GET /files/special", "map[]"},
		{"GET", "/files/", "", ""},
	} {
		route, _, params, ok := router.find(c.method, c.path)
		if !ok {
			route.Function = ""
		}
		if route.Function != c.want || ok && fmt.Sprint(params) != c.params {
			t.Errorf("%s %s goes to %q with %v, want %q with %s", c.method, c.path, route.Function, params, c.want,
				c.params)
		}
	}
	if _, err := newRouter(append(routes, routes[0])); err == nil {
		t.Error("a route may be there twice")
	}
}

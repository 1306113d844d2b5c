// Package operation lists the documented operations. It is the one place that knows their
// names, routes and callers: the functions, the metrics, the principals' scopes, the clients
// and the tests read it, and a test holds template.yaml against it.
package operation

import "net/http"

// The kinds of callers, as principals are stored and imported.
const (
	Operator = "operator" // HTTP Basic
	APIUser  = "apiUser"  // a key in the header or the form
	App      = "app"      // a key and a secret, or the token that they are exchanged for
)

// Operation is one documented call.
type Operation struct {
	Name       string   // the folder in functions/; also the scope and the metrics' dimension
	Method     string   // of HTTP
	Paths      []string // as in template.yaml, all with the same answer
	Caller     string   // Operator, APIUser or App
	Authorizer string   // the function that API Gateway asks first; "": the operation checks
}

// The operations, in the order of the contracts.
var (
	DeleteCustomerInfo = Operation{"delete-customer-info", http.MethodDelete, provision, Operator, "authorize-operator"}
	SetTemporaryAllow  = Operation{"set-temporary-allow", http.MethodPut, provision, Operator, "authorize-operator"}
	DeleteCustomer     = Operation{"delete-customer", http.MethodPost, []string{"/api.php", "/"}, APIUser, ""}
	CleanCustomerData  = Operation{"clean-customer-data", http.MethodPost, []string{"/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"}, App, "authorize-app"}
	IssueToken         = Operation{"issue-token", http.MethodPost, []string{"/apigovernance/api/oauth/tokenByAkSk"}, App, ""}
)

// provision are the paths of operations 1 and 2, under both base paths.
var provision = []string{
	"/customercare/v1/{customerId}/provision",
	"/risk-cc/customercare/v1/{customerId}/provision",
}

// All are the operations, in the order of the contracts.
var All = []Operation{DeleteCustomerInfo, SetTemporaryAllow, DeleteCustomer, CleanCustomerData, IssueToken}

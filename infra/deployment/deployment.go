// Package deployment finds what the commands work on: the tables, the secret and the API
// of a stack in AWS, or of the local one. It reads these variables, all of which may be
// left out:
//
//	STACK              a CloudFormation stack of template.yaml, found with the
//	                   credentials and the region that the AWS tools would use; it needs
//	                   cloudformation:DescribeStacks and ListStackResources
//	DYNAMODB_ENDPOINT  without STACK: an address (default http://127.0.0.1:8000, the
//	                   local stack, with another port in DYNAMODB_PORT), or the word aws
//	                   for tables in AWS that have the names below
//	USERS_TABLE, CUSTOMERS_TABLE, CONTACTS_TABLE, PRINCIPALS_TABLE, ERASURES_TABLE,
//	LOG_TABLE, HOLDS_TABLE, RULES_TABLE
//	                   names of tables, instead of the stack's, or of Users, Customers,
//	                   Contacts, Principals, Erasures, Log, Holds, Rules
//	API_URL            where the API answers, instead of the stack's output ApiUrl, or
//	                   of http://127.0.0.1:3000, the local stack (PORT: another port;
//	                   beside DYNAMODB_ENDPOINT it must be set)
//	SECRETS_PORT       the port of the local stack's Secrets Manager (default 3001)
package deployment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go/logging"

	"customercare/infra/importer"
	"customercare/infra/local/engine"
	"customercare/shared/environment"
	"customercare/shared/store"
)

// Deployment is one deployed stack.
type Deployment struct {
	DB     *dynamodb.Client
	Tables Tables
	// Keys is the secret of the digest keys; its Client is nil where there is none to be
	// found, as with DYNAMODB_ENDPOINT=aws.
	Keys Secret
	// APIURL is where the API answers, with the stage and without a slash at its end. It
	// is empty when nothing says.
	APIURL string
	// Audit is the log group of the audit lines; its Client is nil without STACK.
	Audit LogGroup
	// Local says that it is a stack of this machine, which writes log files.
	Local bool
	// Parameters are the stack's, by their names in template.yaml; nil without STACK.
	Parameters map[string]string
	// Where the tables are, in words for people: "stack customercare, AWS eu-west-1" or
	// "http://127.0.0.1:8000".
	Where string
}

// Tables are the names of all tables: those that records go to, the ledger, the sealed
// log, and the holds.
type Tables struct {
	importer.Tables
	Erasures string
	Log      string
	Holds    string
	Rules    string
}

// LogGroup is a log group in CloudWatch Logs.
type LogGroup struct {
	Name   string
	Client *cloudwatchlogs.Client
}

// Chosen is what a command's flags say. If one field is set, STACK and DYNAMODB_ENDPOINT
// are ignored.
type Chosen struct {
	Stack    string // as the variable STACK
	Endpoint string // as the variable DYNAMODB_ENDPOINT
}

// Misused is a choice that can be of no deployment. It is a sentence.
type Misused string

func (m Misused) Error() string { return string(m) }

// tableIDs are what template.yaml calls the tables.
var tableIDs = []string{"Users", "Customers", "Contacts", "Principals", "Erasures", "Log", "Holds", "Rules"}

// all are the names in the order of tableIDs.
func (t *Tables) all() []*string {
	return []*string{&t.Users, &t.Customers, &t.Contacts, &t.Principals, &t.Erasures, &t.Log, &t.Holds, &t.Rules}
}

// named is the name that a variable gives a table: of Users that is USERS_TABLE.
func named(id string) string { return os.Getenv(strings.ToUpper(id) + "_TABLE") }

// Find reads the environment and looks the stack up. It makes no call to DynamoDB, but it
// connects to an endpoint of one's own once, because most often that is not started. An
// error is a sentence that says what to set.
func Find(ctx context.Context, chosen Chosen) (*Deployment, error) {
	if chosen == (Chosen{}) {
		chosen = Chosen{Stack: os.Getenv("STACK"), Endpoint: os.Getenv("DYNAMODB_ENDPOINT")}
	}
	d := &Deployment{APIURL: os.Getenv("API_URL")}
	var err error
	if chosen.Stack != "" {
		err = d.findStack(ctx, chosen)
	} else {
		err = d.findTables(ctx, chosen.Endpoint)
	}
	if err != nil {
		return nil, err
	}
	for i, name := range d.Tables.all() {
		*name = cmp.Or(named(tableIDs[i]), *name, tableIDs[i])
	}
	d.APIURL = strings.TrimRight(d.APIURL, "/")
	return d, nil
}

// findTables connects to the tables that have the usual names, or those that variables
// say.
func (d *Deployment) findTables(ctx context.Context, endpoint string) error {
	port := os.Getenv("PORT")
	switch endpoint {
	case "":
		// Where `make run` has them.
		endpoint = "http://127.0.0.1:" + cmp.Or(os.Getenv("DYNAMODB_PORT"), "8000")
		port = cmp.Or(port, "3000")
	case "aws":
		return d.connectAWS(ctx)
	}
	u, err := url.Parse(endpoint)
	switch {
	case err == nil && isAWS(u):
		return d.connectAWS(ctx, func(o *dynamodb.Options) { o.BaseEndpoint = &endpoint })
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return Misused("--endpoint or DYNAMODB_ENDPOINT must be an address like http://127.0.0.1:8000," +
			` or the word "aws"`)
	}
	if d.APIURL == "" && port != "" {
		d.APIURL = "http://127.0.0.1:" + port
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	// net knows the ports of http and https.
	at := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), u.Scheme))
	connection, err := dialer.DialContext(ctx, "tcp", at)
	if err != nil {
		return fmt.Errorf("nothing answers at %s: start the local stack with `make run`,"+
			" or name another with --endpoint (DYNAMODB_ENDPOINT) or --stack (STACK)", u.Host)
	}
	_ = connection.Close()
	// An endpoint of one's own takes any credentials: local engines show all the same
	// tables.
	settings := environment.AWS{Region: engine.Region, Key: "local", Secret: "local", Endpoint: endpoint}
	d.DB = dynamodb.NewFromConfig(settings.Config(), store.Options)
	local := "127.0.0.1:" + cmp.Or(os.Getenv("SECRETS_PORT"), "3001")
	settings.Endpoint = "http://" + local
	d.Keys = Secret{ID: keysID, Client: secretsmanager.NewFromConfig(settings.Config()), local: local}
	d.Where, d.Local = endpoint, true
	return nil
}

// isAWS tells an address of AWS's own, which looks at credentials.
func isAWS(u *url.URL) bool {
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws"} {
		if strings.HasSuffix(u.Hostname(), suffix) {
			return true
		}
	}
	return false
}

func (d *Deployment) connectAWS(ctx context.Context, more ...func(*dynamodb.Options)) error {
	settings, err := awsSettings(ctx)
	if err != nil {
		return err
	}
	d.DB = dynamodb.NewFromConfig(settings, append(more, store.Options)...)
	d.Where = "AWS " + settings.Region
	return nil
}

// awsSettings are those of the AWS tools: variables, profiles, single sign-on.
func awsSettings(ctx context.Context) (aws.Config, error) {
	// What the SDK would log about missing credentials comes back as an error too, which
	// is told in our words.
	settings, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return settings, errors.New("the AWS settings cannot be read: look at AWS_PROFILE and at ~/.aws/config")
	}
	if settings.Region == "" {
		return settings, errors.New("no AWS region is set: set AWS_REGION")
	}
	if _, err := settings.Credentials.Retrieve(ctx); err != nil {
		if profile := os.Getenv("AWS_PROFILE"); profile != "" { // found, but for example a sign-on that has ended
			return settings, fmt.Errorf("the AWS credentials of the profile %s cannot be had: sign on again,"+
				" for example with `aws sso login`", profile)
		}
		return settings, errors.New("no AWS credentials are found: set AWS_PROFILE," +
			" or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return settings, nil
}

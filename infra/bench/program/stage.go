package program

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/bench/setup"
	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/infra/local/secrets"
	"customercare/infra/local/template"
	"customercare/shared/store"
)

// Stage is tables and secrets of the template, for functions that run by themselves: nothing starts workers on them.
type Stage struct {
	DynamoDB *dynamodb.Client
	Template *template.Template

	setup   setup.Setup
	prefix  string // of the tables' names
	secrets *secrets.Server
}

// Open makes the template's tables under names that begin with prefix, and serves its secrets, until Close.
func Open(ctx context.Context, s setup.Setup, prefix string) (*Stage, error) {
	template, err := template.Load(filepath.Join(s.Root, "template.yaml"), nil)
	if err != nil {
		return nil, err
	}
	g := &Stage{setup: s, Template: template, prefix: prefix}
	g.DynamoDB = dynamodb.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String(s.Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: lambda.Function{Folder: "bench"}.AccessKeyID(), SecretAccessKey: lambda.ExampleSecretKey}, nil
		}),
	}, store.Options)
	for _, table := range template.Tables {
		create := *table.Create
		create.TableName = aws.String(prefix + table.Name)
		if _, err := g.DynamoDB.CreateTable(ctx, &create); err != nil {
			return nil, fmt.Errorf("create table %s: %w", *create.TableName, err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	g.secrets = secrets.Serve(listener, template.Secrets)
	return g, nil
}

const region = engine.Region

// Table is the name in DynamoDB of the table that the template calls logicalID.
func (g *Stage) Table(logicalID string) string {
	for _, t := range g.Template.Tables {
		if t.LogicalID == logicalID {
			return g.prefix + t.Name
		}
	}
	return ""
}

// Function is the function in functions/<folder>, with DynamoDB at endpoint ("" for the setup's).
func (g *Stage) Function(folder, endpoint string) (Program, error) {
	f, ok := g.Template.Function(folder)
	if !ok {
		return Program{}, fmt.Errorf("the template has no function in the folder %q", folder)
	}
	return Program{Name: folder, Path: filepath.Join(g.setup.Bin, folder, "bootstrap"), Env: g.environment(f, endpoint), Log: g.setup.Log}, nil
}

// Floor is the program in infra/bench/floor/<name>, with the environment of the function in functions/<folder>.
func (g *Stage) Floor(name, folder, endpoint string) (Program, error) {
	p, err := g.Function(folder, endpoint)
	p.Name, p.Path = name, filepath.Join(g.setup.Floors, name, "bootstrap")
	return p, err
}

// environment is what Lambda sets, and the function's own variables, with the stage's tables.
func (g *Stage) environment(f lambda.Function, endpoint string) []string {
	if endpoint == "" {
		endpoint = g.setup.Endpoint
	}
	env := []string{
		"AWS_ACCESS_KEY_ID=" + f.AccessKeyID(),
		"AWS_SECRET_ACCESS_KEY=" + lambda.ExampleSecretKey,
		"AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region,
		"AWS_LAMBDA_FUNCTION_NAME=" + f.Name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"_HANDLER=" + f.Handler, "LANG=en_US.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", "TZ=:UTC",
	}
	for name, value := range f.Environment {
		if slices.ContainsFunc(g.Template.Tables, func(t template.Table) bool { return t.Name == value }) {
			value = g.prefix + value
		}
		env = append(env, name+"="+value)
	}
	// Last, because the template sets them for who invokes a function by itself, and the last counts.
	return append(env, "AWS_ENDPOINT_URL_DYNAMODB="+endpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER="+g.secrets.URL)
}

// Close ends what the stage serves and drops its tables.
func (g *Stage) Close() {
	g.secrets.Close()
	for _, t := range g.Template.Tables {
		_, _ = g.DynamoDB.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(g.prefix + t.Name)})
	}
}

SwaggerUIBundle({
  url: "{{ url_for('pages.openapi_json') }}",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  // Without this, the page asks a service elsewhere whether the description is valid.
  validatorUrl: null,
});

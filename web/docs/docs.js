SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null, // nothing leaves this page
  persistAuthorization: false,
  tryItOutEnabled: true,
});

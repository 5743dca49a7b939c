Redoc.init("/openapi.json", { disableGoogleFont: true, hideDownloadButtons: false }, document.getElementById("api"));

(function (natives) { "use strict"; return {}; })
